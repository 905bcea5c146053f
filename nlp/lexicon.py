"""Word lists that the rules share: nations, kinds of things, kin, titles, given names.

Plain data. A list belongs here when two rules or more read it; each is kept as short as it can be and still decide.
"""

from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def table(text: str) -> dict[str, str]:
    """``"Kind: word word_with_space"`` lines as word → kind."""
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        kind, _, listed = line.partition(":")
        for word in listed.split():
            found[word.replace("_", " ")] = kind.strip()
    return found


def _nations(text: str) -> dict[str, str]:
    """``"Country: Adjective, Adjective"`` lines as adjective → country."""
    found: dict[str, str] = {}
    for line in text.strip().splitlines():
        country, _, adjectives = line.partition(":")
        for adjective in adjectives.split(","):
            found[adjective.strip()] = country.strip()
    return found


NATIONALITIES: Final = _nations("""
Afghanistan: Afghan
Albania: Albanian
Algeria: Algerian
Andorra: Andorran
Angola: Angolan
Argentina: Argentine, Argentinian
Armenia: Armenian
Australia: Australian
Austria: Austrian
Austria-Hungary: Austro-Hungarian
Azerbaijan: Azerbaijani
Bahamas: Bahamian
Bahrain: Bahraini
Bangladesh: Bangladeshi
Barbados: Barbadian
Belarus: Belarusian, Belarussian
Belgium: Belgian
Benin: Beninese
Bohemia: Bohemian
Bolivia: Bolivian
Bosnia and Herzegovina: Bosnian
Botswana: Botswanan
Brazil: Brazilian
Bulgaria: Bulgarian
Burkina Faso: Burkinabé
Burundi: Burundian
Byzantine Empire: Byzantine
Cambodia: Cambodian
Cameroon: Cameroonian
Canada: Canadian
Chad: Chadian
Chile: Chilean
China: Chinese
Colombia: Colombian
Congo: Congolese
Costa Rica: Costa Rican
Croatia: Croatian
Cuba: Cuban
Cyprus: Cypriot
Czech Republic: Czech
Czechoslovakia: Czechoslovak, Czechoslovakian
Denmark: Danish
Dominican Republic: Dominican
East Germany: East German
Ecuador: Ecuadorian
Egypt: Egyptian
England: English
Eritrea: Eritrean
Estonia: Estonian
Ethiopia: Ethiopian
Fiji: Fijian
Finland: Finnish
France: French
Georgia: Georgian
Germany: German
Ghana: Ghanaian
Greece: Greek
Guatemala: Guatemalan
Guinea: Guinean
Haiti: Haitian
Honduras: Honduran
Hong Kong: Hongkonger, Hong Kong
Hungary: Hungarian
Iceland: Icelandic
India: Indian
Indonesia: Indonesian
Iran: Iranian
Iraq: Iraqi
Ireland: Irish
Israel: Israeli
Italy: Italian
Ivory Coast: Ivorian
Jamaica: Jamaican
Japan: Japanese
Jordan: Jordanian
Kazakhstan: Kazakh, Kazakhstani
Kenya: Kenyan
Kosovo: Kosovan, Kosovar
Kuwait: Kuwaiti
Kyrgyzstan: Kyrgyz
Laos: Laotian
Latvia: Latvian
Lebanon: Lebanese
Liberia: Liberian
Libya: Libyan
Liechtenstein: Liechtensteiner
Lithuania: Lithuanian
Luxembourg: Luxembourgish, Luxembourgian
North Macedonia: Macedonian
Madagascar: Malagasy
Malaysia: Malaysian
Mali: Malian
Malta: Maltese
Mauritania: Mauritanian
Mauritius: Mauritian
Mexico: Mexican
Moldova: Moldovan
Monaco: Monégasque
Mongolia: Mongolian
Montenegro: Montenegrin
Morocco: Moroccan
Mozambique: Mozambican
Myanmar: Burmese
Namibia: Namibian
Nepal: Nepalese, Nepali
Netherlands: Dutch
New Zealand: New Zealand
Nicaragua: Nicaraguan
Niger: Nigerien
Nigeria: Nigerian
North Korea: North Korean
Norway: Norwegian
Oman: Omani
Pakistan: Pakistani
Palestine: Palestinian
Panama: Panamanian
Papua New Guinea: Papua New Guinean
Paraguay: Paraguayan
Persia: Persian
Peru: Peruvian
Philippines: Filipino, Philippine, Filipina
Poland: Polish
Portugal: Portuguese
Prussia: Prussian
Puerto Rico: Puerto Rican
Qatar: Qatari
Roman Empire: Roman
Romania: Romanian
Russia: Russian
Rwanda: Rwandan
Samoa: Samoan
Saudi Arabia: Saudi, Saudi Arabian
Scotland: Scottish
Senegal: Senegalese
Serbia: Serbian
Sierra Leone: Sierra Leonean
Singapore: Singaporean
Slovakia: Slovak, Slovakian
Slovenia: Slovenian, Slovene
Somalia: Somali
South Africa: South African
South Korea: South Korean
Korea: Korean
Soviet Union: Soviet
Spain: Spanish
Sri Lanka: Sri Lankan
Sudan: Sudanese
Suriname: Surinamese
Sweden: Swedish
Switzerland: Swiss
Syria: Syrian
Taiwan: Taiwanese
Tajikistan: Tajik
Tanzania: Tanzanian
Thailand: Thai
Togo: Togolese
Tonga: Tongan
Trinidad and Tobago: Trinidadian
Tunisia: Tunisian
Turkey: Turkish
Turkmenistan: Turkmen
Uganda: Ugandan
Ukraine: Ukrainian
United Arab Emirates: Emirati
United Kingdom: British
United States: American, U.S.
Uruguay: Uruguayan
Uzbekistan: Uzbek
Venezuela: Venezuelan
Vietnam: Vietnamese
Wales: Welsh
West Germany: West German
Yemen: Yemeni
Yugoslavia: Yugoslav, Yugoslavian
Zambia: Zambian
Zimbabwe: Zimbabwean
""")

COUNTRIES: Final = frozenset(NATIONALITIES.values()) | frozenset(
    ("USA", "US", "UK", "Great Britain", "Holland", "Northern Ireland", "Ottoman Empire", "Vatican City", "Brunei")
) | frozenset(
    ("United States of America", "People's Republic of China", "Soviet Russia", "Cape Verde", "Cook Islands")
)  # fmt: skip
COUNTRY_NAMES: Final = {  # other names of countries
    "USA": "United States", "US": "United States", "U.S.": "United States", "U.S.A.": "United States",
    "United States of America": "United States", "UK": "United Kingdom", "U.K.": "United Kingdom",
    "Holland": "Netherlands", "USSR": "Soviet Union", "The Netherlands": "Netherlands",
}  # fmt: skip

# What the head noun of "X is a …" says about X.
HEAD_TYPES: Final = table("""
Film: motion_picture comedy drama western cartoon
Film: film movie documentary biopic featurette short_film silent_film telefilm anime_film remake thriller melodrama
Song: song single ballad track anthem hymn hit carol aria
Album: album EP soundtrack mixtape LP compilation
Book: book novel novella autobiography memoir trilogy textbook treatise poem manga anthology comic biography story
Series: series sitcom show telenovela miniseries soap_opera programme program anime serial game_show episode
Periodical: magazine newspaper journal periodical weekly quarterly tabloid
Work: opera ballet play musical symphony concerto painting sculpture sonata operetta video_game game string_quartet
Work: cantata oratorio statue fresco mural composition
Organization: company band group organization organisation university college school institute institution party
Organization: orchestra choir club team agency corporation foundation museum library hospital bank airline league label
Organization: publisher brewery society association union ministry department committee council church congregation
Organization: academy firm manufacturer conglomerate studio duo trio quartet quintet ensemble order regiment brigade
Organization: charity cooperative federation seminary broadcaster network channel station startup think_tank dynasty
Organization: troupe squadron battalion distributor retailer subsidiary
Country: country republic kingdom nation state_in_Europe empire sultanate
City: city town village municipality hamlet capital comune commune settlement township suburb borough
Place: river lake mountain island county district province region state peak valley park street road bridge building
Place: castle palace stadium airport station_building cemetery bay cape forest glacier beach archipelago peninsula
Place: neighbourhood neighborhood parish tehsil taluk canton prefecture sea ocean desert reservoir creek stream monument
Place: temple mosque cathedral monastery abbey tower house mansion hotel volcano crater waterfall area locality plateau
Place: airfield community diocese archdiocese territory duchy principality municipality_in rural_district
Place: theatre theater arena hill canal dam square highway
Event: war battle election tournament championship festival competition race siege conference ceremony revolution
Event: earthquake season massacre expedition uprising riot hurricane disaster olympics cup match conflict rebellion
Award: award prize medal honour honor
Disease: disease disorder syndrome infection cancer condition illness tumor tumour carcinoma lymphoma leukemia sarcoma
Disease: deficiency
Symptom: symptom
Drug: drug medication medicine antibiotic vaccine opioid painkiller
Treatment: treatment therapy surgery procedure
Anatomy: organ gland muscle bone artery nerve tissue vein
Method: method technique algorithm approach framework protocol mechanism paradigm
Model: model language_model
Dataset: dataset corpus benchmark
Language: language dialect
Species: species genus family_of_moths moth beetle plant bird fish fungus spider snail subspecies butterfly
Product: software car automobile aircraft smartphone ship locomotive missile engine computer processor app tank
Product: motorcycle submarine destroyer library_for operating_system platform
Concept: term concept theory name word surname principle phenomenon process colour color shade genre style sport dance
Concept: field branch discipline study theorem custom dish cuisine
""")

# Nouns that call a person a person although no suffix says so; "-er", "-ist" and their like are read by suffix.
PERSON_NOUNS: Final = words("""
actor actress author bishop archbishop cardinal pope saint monk nun priest king queen prince princess duke duchess earl
count countess baron baroness viscount viscountess marquess marchioness emperor empress tsar tsarina sultan khan shah
emir lord lady knight noble nobleman noblewoman peer peeress aristocrat courtier magnate general admiral colonel captain
lieutenant major marshal commander officer soldier sailor pilot aviator astronaut cosmonaut athlete swimmer runner
boxer wrestler coach referee umpire cyclist jockey poet critic architect engineer lawyer attorney advocate judge jurist
diplomat ambassador politician statesman stateswoman president chancellor minister senator governor mayor mp deputy
activist suffragette doctor physician surgeon nurse scholar academic professor scientist chemist mathematician historian
philosopher theologian composer conductor singer rapper musician guitarist drummer pianist bassist dj dancer model
choreographer director producer screenwriter comedian presenter host journalist editor publisher businessman
businesswoman entrepreneur executive banker merchant industrialist philanthropist chef artist painter sculptor designer
illustrator cartoonist photographer cinematographer son daughter child brother sister mother father wife husband
widow widower grandson granddaughter nephew niece cousin uncle aunt grandfather grandmother consort mistress
heir heiress heir-apparent pretender ruler monarch sovereign regent landgrave margrave elector archduke archduchess
infante infanta dauphin doge ataman caliph imam rabbi ayatollah maharaja raja nawab rebel spy criminal murderer
serial_killer gangster outlaw pirate explorer navigator farmer slave serf teacher educator footballer
cricketer striker midfielder defender goalkeeper quarterback pitcher golfer player man woman person boy girl youth
figure personality celebrity socialite claimant leader chieftain chief warlord patriarch abbot abbess friar canon
deacon vicar missionary martyr prophet member winner veteran native resident inventor founder pioneer vocalist
songwriter lyricist playwright dramatist novelist impresario stuntman stuntwoman socialist communist anarchist
filmmaker videographer animator programmer hacker blogger youtuber vlogger consul tribune praetor legate
legislator congressman congresswoman alderman councillor sheriff civil_servant psychiatrist royal shogun daimyo samurai
mystic occultist astrologer astronomer physicist sociologist superintendent participant fellow benefactress
soprano tenor baritone apologist
headmaster principal attendant follower translator collaborator secretary clergyman freemason
citizen sons daughters adherent""")
PERSON_SUFFIXES: Final = ("er", "or", "ist", "ian", "man", "woman", "ess", "logist", "grapher", "eer", "crat")

# Compounds whose last word would be read otherwise.
NOT_PERSONS: Final = words("""
river tower letter number order chapter computer water weather matter center centre paper border corner theater theatre
power layer tumor tumour cancer disorder fever liver bladder color colour factor sector behavior behaviour error mirror
motor tractor reactor vector honor labor harbor harbour floor door poster thriller supper butter feather leather
transformer encoder decoder classifier parameter tokenizer optimizer transistor sensor processor character
charter quarter winter summer semester meter newspaper cluster filter folder manner member_state cruiser steamer
freighter fighter bomber roller coaster ester polymer barrier container
""")

PERSON_TITLES: Final = words("""
King Queen Prince Princess Duke Duchess Earl Count Countess Baron Baroness Viscount Viscountess Marquess Marquis
Marquise Marchioness Emperor Empress Tsar Tsarina Sultan Lord Lady Sir Dame Saint St. Pope Archduke Archduchess
Landgrave Landgravine Margrave Margravine Elector Electress Infante Infanta Dr Dr. Mr Mr. Mrs Mrs. Ms. Professor Prof.
General Admiral Captain Colonel Major Lieutenant Bishop Archbishop Cardinal Rev. Reverend President Senator Sheikh
Shah Shaykh Imam Caliph Emir Grand Crown Capt. Gen. Col. Lt. Maj. Hon. Rabbi Father Mother Sister Brother Dowager
""")
FEMALE_TITLES: Final = words("""
queen princess duchess countess baroness viscountess marchioness marquise empress tsarina lady dame archduchess
landgravine margravine electress infanta mrs mrs. ms. wife daughter widow née actress mistress sultana mother
""")
FEMALE_NAMES: Final = words("""
abigail ada adela adelaide adele adeline agatha agnes aisha alexandra alexandrina alice alicia alison amalia amalie
amanda amber amelia amy anastasia andrea angela angelica anita ann anna annabella anne annette annie antoinette antonia
ariana audrey augusta aurora barbara beatrice beatrix bella bertha beth betty bianca blanche brenda bridget camilla
carla carmen carol carolina caroline catalina catharina catherine cecilia cecily celia charlotte christina christine
clara clarissa claudia clementia clementina cleopatra constance constanza cordelia cornelia cynthia daisy danielle
daphne deborah delia denise diana dinah dolores donna dora doris dorothea dorothy edith edna eileen elaine eleanor
eleanora elena elisa elisabeth eliza elizabeth ella ellen elsa elsie emily emma erica ermengarde esther ethel eudoxia
eugenia eugenie eva eve evelyn fanny fatima felicia fiona flora florence frances francesca frederica frida fulvia
gabriela gabrielle gemma genevieve georgiana georgina geraldine gertrude gisela gladys gloria grace greta gwendolyn
hanna hannah harriet hazel hedwig heather helen helena helene henrietta hermione hilda honora hortense ida ingeborg
ingrid irene iris irina isabel isabella isabelle isolde ivy jacqueline jane janet janice jeanette jeanne jennifer
jenny jessica jill joan joanna johanna josephine joyce juana judith julia juliana julianne julie juliet june karen kate
katharina katherine kathleen kathryn katrina kitty laura lauren leah lena leonor leonora letizia lillian lily linda lisa
lola lorraine louisa louise lucia lucrezia lucy ludmila luisa lydia lynne mabel madeleine madge mae magdalena maggie
manuela marcella margaret margareta margarita margarete margherita marguerite maria mariam marianne marie marina marion
marjorie martha mary matilda maud maude maxine melanie melissa mercedes michelle mildred millicent miriam molly monica
muriel myra nadia nancy naomi natalia natalie natasha nell nina nora norma octavia olga olive olivia ophelia pamela
patricia paula pauline pearl penelope petronilla philippa phoebe phyllis polly priscilla rachel ramona rebecca renata
rita roberta rosa rosalind rose rosemary rosie roxana ruby ruth sabina sabine sally samantha sandra sara sarah sheila
sibylla sidonie sigrid silvia simone sofia sophia sophie stella stephanie susan susanna susannah suzanne sybil sylvia
tamara tatiana teresa thelma theodora theresa therese tina ursula valentina valerie vanessa vera veronica victoria viola
violet virginia vivian wilhelmina winifred yolanda yolande yvonne zoe urraca sancha eleonore dagmar alix aelis adelheid
""")

SCHOOL_WORDS: Final = words("""
University College School Academy Institute Conservatory Conservatoire Seminary Polytechnic Gymnasium Lyceum Lycée
Oxford Cambridge Harvard Yale Princeton Stanford Eton MIT Caltech UCLA Columbia Universidad Université Universität
École Faculty
""")
ORGANIZATION_WORDS: Final = SCHOOL_WORDS - words("Oxford Cambridge Columbia Stanford Princeton") | words("""
Company Corporation Corp Corp. Inc Inc. Ltd Ltd. Records Pictures Studios Studio Films Productions Entertainment Party
Council Museum Bank Orchestra Philharmonic Symphony Association Society Foundation Ministry Department Committee
Commission Union Club Agency Group Press Publishing Books Network Television Broadcasting Airlines Church League
Federation Parliament Senate Congress Assembly Court Navy Army Force Regiment Brigade Hospital Library Theatre Opera
Band Choir Ensemble Organization Organisation Institution Laboratory Laboratories Center Centre Bureau Board Authority
F.C. FC A.F.C. United Rangers Rovers Athletic Wanderers Guild Trust Partners Brothers Motors Industries Systems Fund
Administration Service Office Team Squad Cabinet Government
""") - words("United Center Centre")
EVENT_WORDS: Final = words("""
War Wars Battle Siege Revolution Olympics Olympic Games Championship Championships Cup Festival Election Elections
Treaty Conference Congress_of Crusade Tournament Rebellion Uprising Massacre Expo Exposition Biennale Marathon Prix
Campaign Invasion Tour
""")
PLACE_WORDS: Final = words("""
River Lake Mount Mountain Mountains Island Islands County Province District Region Valley Bay Sea Ocean Cape Peninsula
Park Street Avenue Road Square Castle Palace Airport Stadium Bridge Cemetery Abbey Cathedral Basilica Beach Forest
Village Township Voivodeship Oblast Krai Prefecture Governorate Parish Hills Heights Tower Hall House Monastery
Churchyard
Station Hotel Estate Manor Fort Fortress Harbour Harbor City Town Canal Gorge Glacier Municipality Canton
""")
AWARD_WORDS: Final = words("""
Award Awards Prize Medal Oscar Emmy Grammy Order Honour Honor Honours Fellowship BAFTA Scholarship Trophy Decoration
Pulitzer César Goya Bear_award Palme Oscars
""")
ROLE_OF_WORDS: Final = words("""
King Queen Prince Princess Duke Duchess Earl Count Countess Baron Baroness Viscount Viscountess Marquess Marquis
Marchioness Emperor Empress Tsar Sultan Lord Lady Landgrave Landgravine Margrave Margravine Elector Electress Infante
Infanta Archduke Archduchess Grand Bishop Archbishop Patriarch Pope President Prime Minister Governor Mayor Senator
Ambassador Secretary Chancellor Dean Director Chief Head Chairman Speaker Member Members Professor Master
Lady-in-waiting
Abbot Abbess Dowager Crown Regent Palatine Captain Commander Constable Sheriff Justice Attorney Knight Dame Chamberlain
Lieutenant Steward Treasurer Vicar Provost Rector Marshal Companion Fellow Officer Consort Co-Prince
""")

STOP_NAMES: Final = words("""
a an the this that these those it its he she they we you i his her their our my your him them who which what where when
why how there here in on at of by for from to with without after before during since until while as if although though
because however also and or but not no nor so yet both either neither each every all some any many most several few
other another such one two three four five six seven eight nine ten first second third last next then now later earlier
despite according upon under over between among through into about against across around along following based directed
written produced released born died starring set shot made known once only just even still thus hence therefore
meanwhile moreover furthermore additionally instead eventually finally originally recently currently today soon often
sometimes usually initially subsequently previously together film films movie song album book novel series show band
company group story plot cast music lyrics early late mid new old see part like unlike including let do did does is was
are were be been being has have had can could may might must shall should will would people life death birth career
family work works world king queen prince princess lord lady sir saint father mother brother sister son
daughter wife husband january february march april may june july august september october november december monday
tuesday wednesday thursday friday saturday sunday introduction overview summary background history biography references
contents chapter section figure table abstract conclusion appendix note notes preface foreword index introduction
born né née educated married inspired created founded located named
""")
